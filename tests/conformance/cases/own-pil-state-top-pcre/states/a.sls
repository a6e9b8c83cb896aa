x-{{ salt['match.pillar']('l:web') }}-{{ salt['match.pillar']('m:a:b:1') }}-{{ salt['match.compound']('I@l:d*') }}-{{ salt['match.glob']('lab*') }}-{{ salt['match.grain']('id:lab*') }}:
  test.nop
