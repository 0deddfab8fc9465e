"""The image's health check: exits with 0 when the gateway in this container answers `/livez`, else with 1.

Needs nothing but the standard library, and asks without proxy variables. Readiness is for who balances: `/readyz`.
"""

import http.client
import os
import sys

WITHIN_S = 3.0


def main() -> int:
    """The exit code."""
    port = int(os.environ.get("SHUNIU_PORT", "8640"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN_S)
    try:
        connection.request("GET", "/livez")
        return int(connection.getresponse().status != http.client.OK)
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
