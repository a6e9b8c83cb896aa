base:
  'G@role:web and lab*':
    - match: compound
    - a
  'not G@role:web or E@lab-.*n':
    - match: compound
    - b
  '( G@l:x and G@l:y ) and not L@foo,bar':
    - match: compound
    - c
  'P@role:(db|mail)':
    - match: compound
    - d
  'G@num:5':
    - e
  'L@lab-minion,zz':
    - match: compound
    - f
