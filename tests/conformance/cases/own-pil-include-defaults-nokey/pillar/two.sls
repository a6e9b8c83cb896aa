x: {{ who }}
