mod claims;
mod clusters;
mod header;
mod hostile;
mod key_sets;
mod outside;
