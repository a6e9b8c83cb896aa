tpl: "p {{ '{{' }} v }} {{ '{{' }} grains.id }}"
