"""The presets, as data: one YAML file each."""
