include:
  - .parts
  - ..soft.repos
  - .mount
