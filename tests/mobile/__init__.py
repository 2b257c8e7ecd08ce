"""The app's store, sync, keys and screens, without a browser."""
