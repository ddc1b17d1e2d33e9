mod changing;
mod hostile;
mod maps;
mod reading;
mod writing;
