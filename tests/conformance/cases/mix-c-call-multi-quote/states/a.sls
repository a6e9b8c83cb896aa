
a:
  cmd.run:
    - name: |
        for i in 1 2; do
          echo "l $i" >> @ROOT@/a
        done
        exit 0
b:
  cmd.run:
    - name: >-
        echo one
        two > @ROOT@/b &&
        echo 'it''s "q"' >> @ROOT@/b
c:
  cmd.run:
    - name: "echo $((1+2)) `echo x` $(echo y) \\n > @ROOT@/c"
d:
  cmd.run:
    - name: cat > @ROOT@/d
    - stdin: "in\nput"
e:
  cmd.run:
    - name: printf '\xff\xfe'
f:
  cmd.run:
    - name: echo $0 | grep -q sh
