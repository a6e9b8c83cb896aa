web: test.nop
---
other: test.nop
