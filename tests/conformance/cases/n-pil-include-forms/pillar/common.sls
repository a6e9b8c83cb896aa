shared: common
list: [c]
