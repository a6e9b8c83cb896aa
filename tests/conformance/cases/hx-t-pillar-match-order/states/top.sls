base:
  'I@tier:front and G@kind:vm': [{match: compound}, a]
  'tier:(front|back)': [{match: pillar_pcre}, b]
  'deep:list:two': [{match: pillar}, c]
