{% if grains.os == 'x' %}
a: test.nop
{% elseif grains.os == 'y' %}
b: test.nop
{% endif %}
