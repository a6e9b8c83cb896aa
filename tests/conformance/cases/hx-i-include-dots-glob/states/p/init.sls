include:
  - .m_*
  - .deep.*
x: {test: [nop]}
