who: {{ who }}
n: {{ n + 1 }}
