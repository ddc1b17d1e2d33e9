module meshroot.example/lines

go 1.26.0
