package control

import "golang.org/x/sys/unix"

// peerUID returns the user of the process at the other end of a Unix socket
// (SO_PEERCRED, unix(7)).
func peerUID(fd uintptr) (uid int, known bool, err error) {
	cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, false, err
	}
	return int(cred.Uid), true, nil
}
