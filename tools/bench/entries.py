"""A catalogue of any size, made up: departments × matters × forms, as counties and cities name what they hold.

The same seed gives the same entries. Names, items and summaries are composed from words of the trade, so bigrams are as
unevenly spread as in a real catalogue: a few stand in almost every entry, most in a few hundred.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

SEED = 20260701

REGIONS = (
    "定西市", "临洮县", "安定区", "陇西县", "渭源县", "通渭县", "漳县", "岷县", "天水市", "秦州区", "麦积区", "清水县",
    "秦安县", "甘谷县", "武山县", "平凉市", "崆峒区", "泾川县", "灵台县", "崇信县", "华亭市", "庄浪县", "静宁县", "临夏州",
)  # fmt: skip
BODIES = (
    "发展和改革局", "教育局", "科学技术局", "工业和信息化局", "民族宗教事务局", "公安局", "民政局", "司法局", "财政局",
    "人力资源和社会保障局", "自然资源局", "生态环境局", "住房和城乡建设局", "交通运输局", "水务局", "农业农村局", "商务局",
    "文化广电和旅游局", "卫生健康局", "退役军人事务局", "应急管理局", "审计局", "市场监督管理局", "统计局", "医疗保障局",
    "林业和草原局", "乡村振兴局", "税务局", "气象局", "烟草专卖局", "消防救援大队", "政务服务中心", "公共资源交易中心",
    "不动产登记中心", "住房公积金管理中心", "档案馆", "残疾人联合会", "总工会", "红十字会", "供销合作社", "信访局",
    "城市管理综合执法局", "机构编制委员会办公室", "疾病预防控制中心", "粮食和物资储备局",
)  # fmt: skip
SUBJECTS = (
    "企业", "个体工商户", "农民专业合作社", "社会团体", "民办非企业单位", "事业单位", "建设项目", "房地产开发企业", "商品房",
    "不动产", "采矿权", "林权", "国有土地", "农村宅基地", "水利工程", "取水", "排污", "危险废物", "放射源", "环境影响",
    "城镇居民", "低保对象", "特困人员", "残疾人", "老年人", "孤儿", "退役军人", "高校毕业生", "学前教育机构", "中小学校",
    "教师", "医疗机构", "执业医师", "护士", "药品经营企业", "医疗器械", "食品生产企业", "餐饮服务单位", "特种设备", "计量器具",
    "机动车", "驾驶人", "道路运输车辆", "出租汽车", "货运企业", "公路", "桥梁", "客运站", "农机", "种子", "农药", "兽药",
    "畜禽养殖场", "耕地", "粮食收购", "林木采伐", "野生动物", "旅行社", "星级饭店", "文物保护单位", "网吧", "广播电视",
    "安全生产", "烟花爆竹", "危险化学品", "矿山企业", "消防", "律师事务所", "公证机构", "人民调解", "社区矫正", "出入境",
    "户籍", "居住证", "身份证", "流动人口", "公积金", "社会保险", "工伤", "失业人员", "劳动合同", "技能人才", "招标投标",
    "政府采购", "财政专项资金", "行政事业性收费", "会计", "税收", "信用主体", "投资项目", "价格", "能源消费", "电力设施",
)  # fmt: skip
ACTS = (
    "登记", "注销", "变更", "许可", "备案", "年检", "审批", "核准", "行政处罚", "行政强制", "监督检查", "抽检", "双随机抽查",
    "补贴发放", "救助", "认定", "资格考试", "证照", "信用评价", "投诉举报", "统计", "普查", "监测", "预警", "规划", "验收",
    "竣工", "缴费", "退费", "转移接续", "评估", "鉴定", "培训", "招聘", "表彰奖励", "执法案件", "公示公告", "档案", "名录",
    "地理位置", "数量", "收支", "安全隐患", "整改", "应急预案", "事故", "办件", "服务指南", "告知承诺", "黑名单",
)  # fmt: skip
FORMS = (
    *("信息",) * 7, "基本信息", "结果信息", "信息表", "记录", "数据", "数据", "台账", "目录", "清单", "明细", "汇总表",
    "情况", "情况表", "名单", "报表", "库",
)  # fmt: skip
ITEMS = (
    "姓名", "证件号码", "单位名称", "统一社会信用代码", "行政区划代码", "联系电话", "备注", "法定代表人", "更新时间", "项目名称",
    "证件类型", "性别", "金额", "年度", "状态", "住所", "出生日期", "登记机关", "发证日期", "事项名称", "事项编码", "乡镇街道",
    "村社区", "经度", "纬度", "面积", "数量", "有效期起", "有效期止", "发证机关", "许可证编号", "审批结果", "审批文号", "受理日期",
    "办结日期", "检查日期", "检查结果", "经营范围", "注册资本", "成立日期", "处罚决定书文号", "违法事实", "处罚依据", "处罚种类",
    "整改期限", "数据来源", "填报人", "审核人", "项目代码", "建设地点", "总投资", "开工日期", "竣工日期", "银行账号", "开户行",
    "补贴标准", "发放日期", "民族", "学历", "职称", "专业", "证书编号", "车牌号码", "车辆类型", "月份", "单位",
)  # fmt: skip
ITEM_ENDS = ("名称", "编号", "类型", "等级", "地址", "数量", "状态", "日期", "负责人", "说明", "金额", "面积")
SUMMARIES = (
    "{region}{body}在履行职责过程中形成的{matter}{form}，供各部门共享使用",
    "{matter}{form}，包括{items}等，按{cycle}更新",
    "本资源收录{region}范围内{matter}的有关{form}，用于业务协同和数据校核",
    "依据有关规定采集的{matter}{form}，主要字段有{items}",
)
TOWN_FIRST = "石玉清龙金南北上下新太安红白青黑大小三五八双东西高明永平福寿丰乐和兴祁窑站井连辛衙峡漫塔康"
TOWN_SECOND = "坪川湾沟滩原家河山岭堡寨泉峪坡水林源铺店桥洼塬口岔庄坝营门台池洞村郭杨柳槐"
CYCLES = ("日", "周", "月", "季度", "年")

OWN_ITEMS = 0.4
"""So many items are of the matter alone; the others are those that everybody has."""

SHARE_TYPES = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)
STATUSES = ("published",) * 38 + ("suspended", "withdrawn")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the catalogue; `provider` counts from 0 in `providers()`."""

    classification: str
    name: str
    summary: str
    provider: int
    items: tuple[str, ...]
    share_type: int
    update_cycle: int
    format_class: int
    status: str

    def metadata(self) -> dict[str, Any]:
        """What a version of it says, as the catalogue keeps it."""
        return {
            "name": self.name,
            "summary": self.summary,
            "share_type": self.share_type,
            "update_cycle": self.update_cycle,
            "format_class": self.format_class,
            "is_example": True,
        }


def providers() -> Sequence[str]:
    """The names of the organisations that provide."""
    return [region + body for region in REGIONS for body in BODIES]


def entries(count: int) -> Iterator[Entry]:
    """So many entries, each name another."""
    chance = random.Random(SEED)
    seen: set[str] = set()
    while len(seen) < count:
        entry = _entry(chance)
        if entry.name not in seen:
            seen.add(entry.name)
            yield entry


def _falling(words: Sequence[str]) -> list[float]:
    """Cumulated weights by which the first words are frequent and the last are rare, as Zipf has it, if less steeply."""
    return list(accumulate(1 / (10 + place) for place in range(len(words))))


_SUBJECT_WEIGHTS, _ACT_WEIGHTS, _ITEM_WEIGHTS = map(_falling, (SUBJECTS, ACTS, ITEMS))


def _entry(chance: random.Random) -> Entry:
    place, kind = chance.randrange(len(REGIONS)), chance.randrange(len(BODIES))
    region, body = REGIONS[place], BODIES[kind]
    (subject,) = chance.choices(SUBJECTS, cum_weights=_SUBJECT_WEIGHTS)
    matter = subject + chance.choices(ACTS, cum_weights=_ACT_WEIGHTS)[0]
    form = chance.choice(FORMS)
    town = chance.choice(TOWN_FIRST) + chance.choice(TOWN_SECOND) + chance.choice("镇镇乡")
    head = chance.choice((region, region, region + town, region + body, ""))
    year = f"{chance.randrange(2015, 2027)}年" if chance.random() < 0.2 else ""
    every = chance.choices(ITEMS, cum_weights=_ITEM_WEIGHTS, k=chance.randrange(4, 16))
    items = tuple(
        dict.fromkeys(subject + chance.choice(ITEM_ENDS) if chance.random() < OWN_ITEMS else item for item in every)
    )
    summary = chance.choice(SUMMARIES).format(
        region=region, body=body, matter=matter, form=form, items="、".join(items[:4]), cycle=chance.choice(CYCLES)
    )
    return Entry(
        classification=f"{chance.choice((1, 2, 2, 3, 3, 3, 3))}{kind % 30 + 1:02d}{chance.randrange(1, 40):03d}",
        name=f"{head}{year}{matter}{form}",
        summary=summary,
        provider=place * len(BODIES) + kind,
        items=items,
        share_type=chance.choice(SHARE_TYPES),
        update_cycle=chance.randrange(1, 9),
        format_class=chance.choice((2, 3, 3, 3, 3, 7, 7, 1)),
        status=chance.choice(STATUSES),
    )
