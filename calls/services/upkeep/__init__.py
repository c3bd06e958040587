"""What keeps calls right without being asked: for processes that died, Azure that says nothing, sound that stops."""
