"""What every page is made of: the visit, the frame, the assets, the way in."""
