{% for t in accumulator['things'] %}{{ t }}
{% endfor %}