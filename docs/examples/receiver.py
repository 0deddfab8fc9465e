"""推送接收端：逐个核验请求和信封，先落盘，后应答。 A receiver of pushes: check request and envelopes, store, then answer.

python receiver.py PARTNER URL [PORT]: 接入方目录；登记的推送地址；本机端口（默认 8700）
"""

import json
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from hub.client import ClientError, Partner, PushRefused, TrustError

MOST_BYTES = 64 << 20
TABLE = "CREATE TABLE IF NOT EXISTS received (delivery, place, res, sender, op, record, PRIMARY KEY (delivery, place))"

partner, url = Partner.load(sys.argv[1]), sys.argv[2]
guard = partner.push_guard()  # PARTNER/pushes.sqlite3
guard.database.execute(TABLE)


def receive(headers, body):
    """应答的状态码和正文 / the status and the body to answer with."""
    try:
        push = partner.verify_push(url, headers, body)  # 签名、时间、摘要、形式 signature, time, digest, form
        deliveries = partner.check_push(push)  # 每个信封的签名和证书 signature and certificate of every envelope
    except PushRefused as refused:
        return refused.status, b""  # 400、401、409、413
    except TrustError:
        return 422, b""  # 信封不可信，不再重投 an envelope that is not believed: not to be sent again
    except ClientError:
        return 503, b""  # 此刻取不到证书，稍后重投 no certificate to be had now: try again later
    with guard.receiving(push) as judged:  # 一个事务：自己的表和“已收到” one transaction: our table, and what was had
        fresh = {item.delivery for item in judged.items}
        for item in (item for item in deliveries if item.id in fresh):
            rows = [(item.id, n, item.res, item.sender, item.op, json.dumps(r)) for n, r in enumerate(item.records)]
            guard.database.executemany("INSERT INTO received VALUES (?, ?, ?, ?, ?, ?)", rows)
    if judged.status != 200:
        return judged.status, b""  # 409：过期，或栅栏号已落后 expired, or a lower fence than one seen
    return 200, partner.sign_acknowledgement(deliveries)


class Handler(BaseHTTPRequestHandler):
    timeout = 30  # 秒 seconds

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        try:
            size = int(length) if length.isascii() and length.isdigit() else MOST_BYTES + 1
            status, answer = receive(self.headers.items(), self.rfile.read(size)) if size <= MOST_BYTES else (413, b"")
        except sqlite3.Error:
            status, answer = 503, b""  # 没有存下，就不确认 not stored, so not confirmed
        self.send_response(status)
        self.send_header("Content-Type", "application/jose")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


HTTPServer(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 8700), Handler).serve_forever()
