# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the doublekey envelope.

Written from spec/envelope.md alone, to find out whether that text suffices.
It shares no code with the C library. It is for tests: its arithmetic on
secrets is not constant in time, and it does not wipe memory.
"""
