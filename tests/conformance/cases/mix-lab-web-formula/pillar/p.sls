web: {port: 8080, sites: {b: {aliases: [x, y]}, a: {host: h}}}
