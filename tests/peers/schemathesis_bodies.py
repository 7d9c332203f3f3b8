# SPDX-License-Identifier: Apache-2.0
"""Bodies of the native protocol go out as they were made."""

import schemathesis


@schemathesis.serializer("application/doublekey")
def as_they_are(context, value):
    del context
    return value if isinstance(value, bytes) else str(value).encode()
