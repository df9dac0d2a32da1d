"""One visit: `visit.py URL [SOURCE ADDRESS]` prints the page, or says on stderr why there is none (exit 7: timed out)."""

import http.client
import sys
from urllib.parse import urlsplit

TIMEOUT = 3.0


def visit(url: str, source: str) -> str:
    """The page at `url`, asked for from the address `source` ("" leaves the choice to the kernel)."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.netloc, timeout=TIMEOUT, source_address=(source, 0) if source else None
    )
    connection.request("GET", parts.path or "/")
    answer = connection.getresponse()
    if answer.status != 200:
        raise OSError(f"status {answer.status}")
    return answer.read().decode()


try:
    print(visit(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
except TimeoutError:
    sys.exit(7)
except OSError as error:
    sys.exit(str(error))
