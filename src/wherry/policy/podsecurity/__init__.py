"""The Pod Security Standards as decisions on plain objects: `levels` reads a namespace's labels, `evaluate` judges a pod."""
