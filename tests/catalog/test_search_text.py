"""Folding and cutting: what stands side by side in a text is found there, however it was written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidQuery
from catalog.facets import Facet, alternatives, label, token
from catalog.search_text import MAX_QUERY, fold, match, read_query, word_resource

HAN = "环境保护局临洮县审批许可证照信息登记環護縣審證號龍臺發髮乾裏"
texts = st.text(st.sampled_from(HAN + "AbZ019 　（）、《》-_.,"), max_size=40)


def tokens_in(query: str) -> set[str]:
    return set(re.findall(r"'([^']*)'", query))


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("環境保護局", "环境保护局"),
        ("營業執照", "营业执照"),
        ("統一社會信用代碼", "统一社会信用代码"),
        ("頭髮與發展", "头发与发展"),
        ("臺灣、台灣", "台湾、台湾"),
        ("裡面裏面", "里面里面"),
        ("乾燥", "干燥"),
    ],
)
def test_traditional_and_simplified_fold_to_the_same(traditional: str, simplified: str) -> None:
    assert fold(traditional) == fold(simplified)
    assert len(fold(traditional)) == len(traditional)


def test_every_chinese_character_folds_to_one_that_stays() -> None:
    every = [chr(code) for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF)) for code in range(first, last + 1)]
    folded = [fold(character) for character in every]
    assert all(len(one) == 1 for one in folded)
    assert [fold(one) for one in folded] == folded
    assert fold("薴") == fold("苧")  # a form that has a simpler form itself


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＢＣ（２０２４）", "abc 2024"),
        ("PM2.5 监测", "pm2 5 监测"),
        ("item_code", "item code"),
        ("《办事指南》", "办事指南"),
        ("  、。—— ", ""),
        ("㎡", "m2"),
    ],
)
def test_widths_cases_and_signs_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(names=st.lists(texts, max_size=3), others=st.lists(texts, max_size=4), data=st.data())
def test_whatever_stands_side_by_side_in_a_text_is_found(
    names: list[str], others: list[str], data: st.DataObject
) -> None:
    wording = word_resource(names, others)
    for text in (*names, *others):
        for word in fold(text).split():
            first = data.draw(st.integers(0, len(word) - 1))
            part = word[first : data.draw(st.integers(first + 1, len(word)))]
            wanted = tokens_in(match([part]))
            if len(part) == 1:
                assert any(known.startswith(part) for known in wording.tokens)
            else:
                assert wanted <= wording.tokens
            assert part in (wording.name if text in names else wording.others)
            if text in names:
                assert len(part) == 1 or wanted <= wording.name_tokens


@given(names=st.lists(texts, max_size=3), others=st.lists(texts, max_size=3))
def test_each_line_is_kept_once_and_none_is_empty(names: list[str], others: list[str]) -> None:
    wording = word_resource(names, others)
    for text in (wording.name, wording.others):
        lines = text.split("\n") if text else []
        assert all(lines)
        assert len(set(lines)) == len(lines)
    assert wording.name_tokens <= wording.tokens


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_out_of_a_token_or_a_line(text: str) -> None:
    wording = word_resource([text], [])
    assert not any(set(one) & set(" '\\%_|&!():*#\n\0") for one in wording.tokens)
    assert not set(fold(text)) & set("%_\\'\n")


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("临洮县环境保护局办事指南", "ltxhjbhjbszn"),
        ("臨洮縣環境保護局", "ltxhjbhj"),
        ("重庆市银行行长名单", "cqsyhhzmd"),  # by phrases, where single characters would say zqsyxxzmd
        ("2024年 ABC 信息", "2024nabcxx"),
    ],
)
def test_a_name_has_a_line_of_its_pinyin_initials(name: str, initials: str) -> None:
    wording = word_resource([name], ["摘要"])
    assert initials in wording.name.split("\n")
    assert tokens_in(match([initials])) <= wording.name_tokens
    assert "zy" not in wording.tokens  # initials of other texts would find too much


def test_a_query_is_its_words_once_each() -> None:
    assert read_query(" 環保局  HBJ、環保局 ").words == ("环保局", "hbj")
    assert read_query("，。！").words == ()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("306001", "306001"),
        (" ３０６００１０００００１/000042 ", "306001000001/000042"),
        ("30A/", "30A/"),
        ("406", None),
        ("306 001", None),
        ("2号楼", None),
    ],
)
def test_a_query_may_be_the_beginning_of_a_code(query: str, code: str | None) -> None:
    assert read_query(query).code == code


@pytest.mark.parametrize("query", ["", "   ", "信" * (MAX_QUERY + 1), "一 二 三 四 五 六 七 八 九"])
def test_a_query_for_nothing_or_too_much_is_refused(query: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        read_query(query)
    assert refused.value.field == "/q"
    assert str(MAX_QUERY) in refused.value.zh


def test_words_and_filters_become_one_condition_of_the_index() -> None:
    chosen = alternatives({Facet.SHARE_TYPE: ("1", "2"), Facet.STATUS: ("published",), Facet.CLASS: ()})
    assert match(["环保局", "县"], chosen) == "'环保' & '保局' & '县':* & ('#s1' | '#s2') & ('#tpublished')"
    assert match([]) == ""
    assert match(["qydj", "pm", "a1局"]) == "'qyd' & 'ydj' & 'pm' & 'a1' & '1局'"  # letters by threes


def test_each_facet_has_a_mark_of_its_own() -> None:
    assert len({token(facet, 1) for facet in Facet}) == len(Facet)


def test_a_value_has_its_labels_and_one_outside_the_list_itself() -> None:
    assert label(Facet.SHARE_TYPE, "2") == ("有条件共享", "shared on conditions")
    assert label(Facet.FORMAT_CLASS, "99") == ("99", "99")
