a:
  test.succeed_with_changes:
    - reload_modules: True
b:
  test.nop:
    - reload_grains: True
    - reload_pillar: True
c:
  test.nop:
    - fire_event: True
d:
  test.nop:
    - fire_event: custom/tag
