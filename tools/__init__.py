"""What surrounds the product: simulator, sandbox, demo."""
