a:
  cmd.run:
    - name: |
        echo one > @ROOT@/o
        false
        echo two >> @ROOT@/o
b:
  cmd.run:
    - name: |
        set -e
        echo one > @ROOT@/p
        false
        echo two >> @ROOT@/p
