base:
  'kind:vm': [{match: grain}, p]
  'kind:metal': [{match: grain}, q]
