"""What ARM takes as tags. Pure."""

from collections.abc import Mapping
from typing import Final

from fakecloud.arm.errors import bad_request

MOST: Final = 50
NAME, VALUE = 512, 256
"""Characters that a tag's name and its value may have."""
RESERVED: Final = r"<>%&\?/"


def check(tags: Mapping[str, str]) -> None:
    """Raises ArmError (400) for tags that ARM refuses (D)."""
    if len(tags) > MOST:
        raise bad_request("TooManyTags", f"The resource has {len(tags)} tags, and may have {MOST}.")
    reserved = [name for name in tags if any(sign in RESERVED or ord(sign) < 32 for sign in name)]
    if reserved:
        raise bad_request(
            "InvalidTagNameCharacters",
            f"The tag names '{', '.join(reserved)}' have reserved characters '{','.join(RESERVED)}' or control characters.",
        )
    for name, value in tags.items():
        if not name or len(name) > NAME or len(value) > VALUE:
            raise bad_request(
                "InvalidTag",
                f"The tag '{name[:40]}' is invalid: its name takes 1 to {NAME} characters, its value {VALUE}.",
            )
    if len({name.lower() for name in tags}) < len(tags):
        raise bad_request("DuplicateTagName", "Tag names are the same whatever their case, and each may be there once.")
