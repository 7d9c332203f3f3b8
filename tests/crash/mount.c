/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: dropfs FOLDER
 *
 * Mounts the disk of disk.h on FOLDER, until it gets SIGTERM or who started it is
 * gone. It is told what to do by extended attributes of FOLDER:
 *
 *   user.crash=SEED     everything that was not synced is lost, or a part of it
 *   user.sync=          everything is synced
 *   user.deaf=NAME      syncs of NAME do nothing from now on ("*", "/": disk.h)
 *   user.space=BYTES    so much fits on it; 0: no end
 *   user.read-only=1    nothing can be changed; 0: again it can
 *
 * Nothing is cached outside: what programs see after a crash is the disk.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "disk.h"

static struct disk disk;

/* ---- nodes ---- */

static void
attributes(const struct node *node, struct stat *st)
{
	*st = (struct stat){ .st_ino = node->number,
		.st_mode = node->mode,
		.st_uid = node->uid,
		.st_gid = node->gid,
		.st_nlink = S_ISDIR(node->mode) ? 2 : 1,
		.st_size = (off_t)node->now.len,
		.st_blocks = (blkcnt_t)((node->now.len + 511) / 512),
		.st_blksize = 4096,
		.st_mtim = node->modified,
		.st_ctim = node->modified,
		.st_atim = node->modified };
}

static struct fuse_entry_param
entry_of(const struct node *node)
{
	struct fuse_entry_param e = { .ino = node->number, .generation = 1 };

	attributes(node, &e.attr);
	return e;
}

/* Answers with ESTALE if there is no such node. */
static struct node *
node_of(fuse_req_t req, fuse_ino_t number)
{
	struct node *node = disk_node(&disk, number);

	if (!node)
		(void)fuse_reply_err(req, ESTALE);
	return node;
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *folder = node_of(req, parent), *node;
	struct fuse_entry_param e;

	if (!folder)
		return;
	node = disk_find(&disk, folder, name);
	if (!node) {
		(void)fuse_reply_err(req, ENOENT);
		return;
	}
	e = entry_of(node);
	(void)fuse_reply_entry(req, &e);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	struct stat st;

	(void)fi;
	if (!node)
		return;
	attributes(node, &st);
	(void)fuse_reply_attr(req, &st, 0);
}

static void
op_setattr(
    fuse_req_t req, fuse_ino_t number, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	struct stat now;
	int err = 0;

	(void)fi;
	if (!node)
		return;
	if (to_set & FUSE_SET_ATTR_SIZE)
		err = disk_resize(&disk, node, (size_t)st->st_size);
	else if (disk.read_only)
		err = EROFS;
	if (err != 0) {
		(void)fuse_reply_err(req, err);
		return;
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		node->mode = (node->mode & S_IFMT) | (st->st_mode & 07777);
	if (to_set & FUSE_SET_ATTR_UID)
		node->uid = st->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		node->gid = st->st_gid;
	attributes(node, &now);
	(void)fuse_reply_attr(req, &now, 0);
}

/* ---- names ---- */

static struct node *
make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	const struct fuse_ctx *who = fuse_req_ctx(req);
	struct node *folder = node_of(req, parent), *node = NULL;
	int err;

	if (!folder)
		return NULL;
	err = disk_create(&disk, folder, name, mode, who->uid, who->gid, &node);
	if (err != 0)
		(void)fuse_reply_err(req, err);
	return node;
}

static void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct node *node = make(req, parent, name, mode);
	struct fuse_entry_param e;

	(void)device;
	if (!node)
		return;
	e = entry_of(node);
	(void)fuse_reply_entry(req, &e);
}

static void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	op_mknod(req, parent, name, S_IFDIR | mode, 0);
}

static void
op_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct node *node = make(req, parent, name, mode);
	struct fuse_entry_param e;

	if (!node)
		return;
	e = entry_of(node);
	fi->direct_io = 1;
	(void)fuse_reply_create(req, &e, fi);
}

static void
op_link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char *name)
{
	struct node *node = node_of(req, number), *folder;
	struct fuse_entry_param e;
	int err;

	if (!node)
		return;
	folder = node_of(req, parent);
	if (!folder)
		return;
	err = disk_link(&disk, node, folder, name);
	e = entry_of(node);
	if (err != 0)
		(void)fuse_reply_err(req, err);
	else
		(void)fuse_reply_entry(req, &e);
}

static void
op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *folder = node_of(req, parent);

	if (folder)
		(void)fuse_reply_err(req, disk_remove(&disk, folder, name, false));
}

static void
op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *folder = node_of(req, parent);

	if (folder)
		(void)fuse_reply_err(req, disk_remove(&disk, folder, name, true));
}

static void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
    const char *new_name, unsigned flags)
{
	struct node *from = node_of(req, parent), *to;

	if (!from)
		return;
	to = node_of(req, new_parent);
	if (to && flags & ~(unsigned)RENAME_NOREPLACE)
		(void)fuse_reply_err(req, EINVAL);
	else if (to)
		(void)fuse_reply_err(req, disk_rename(&disk, from, name, to, new_name, flags == 0));
}

static void
op_readdir(fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	char buf[4096];
	size_t len = 0;

	(void)fi;
	if (!node)
		return;
	if (size > sizeof(buf))
		size = sizeof(buf);
	for (size_t i = (size_t)off; i < node->names.count; i++) {
		const struct entry *entry = &node->names.entries[i];
		const struct node *there = disk_node(&disk, entry->node);
		struct stat st = { .st_ino = entry->node, .st_mode = there ? there->mode : 0 };
		size_t n =
		    fuse_add_direntry(req, buf + len, size - len, entry->name, &st, (off_t)i + 1);

		if (n > size - len)
			break;
		len += n;
	}
	(void)fuse_reply_buf(req, buf, len);
}

/* ---- bytes ---- */

static void
op_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	int err = 0;

	if (!node)
		return;
	if (disk.read_only && (fi->flags & O_ACCMODE) != O_RDONLY)
		err = EROFS;
	else if (fi->flags & O_TRUNC)
		err = disk_resize(&disk, node, 0);
	fi->direct_io = 1;
	if (err != 0)
		(void)fuse_reply_err(req, err);
	else
		(void)fuse_reply_open(req, fi);
}

static void
op_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	size_t at = (size_t)off, left;

	(void)fi;
	if (!node)
		return;
	left = at < node->now.len ? node->now.len - at : 0;
	(void)fuse_reply_buf(
	    req, left > 0 ? (char *)node->now.bytes + at : "", size < left ? size : left);
}

static void
op_write(fuse_req_t req, fuse_ino_t number, const char *buf, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);
	int err;

	(void)fi;
	if (!node)
		return;
	err = disk_write(&disk, node, buf, size, (size_t)off);
	if (err != 0)
		(void)fuse_reply_err(req, err);
	else
		(void)fuse_reply_write(req, size);
}

static void
op_fsync(fuse_req_t req, fuse_ino_t number, int data_only, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, number);

	(void)data_only;
	(void)fi;
	if (!node)
		return;
	disk_sync(&disk, node);
	(void)fuse_reply_err(req, 0);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t number)
{
	struct statvfs st = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = DISK_NAME_MAX_BYTES };

	(void)number;
	st.f_blocks = (disk.space > 0 ? disk.space : SIZE_MAX / 2) / 4096;
	st.f_bfree = st.f_bavail = st.f_blocks - disk.bytes / 4096;
	(void)fuse_reply_statfs(req, &st);
}

/* ---- what it is told ---- */

static void
op_setxattr(
    fuse_req_t req, fuse_ino_t number, const char *name, const char *value, size_t size, int flags)
{
	char text[64] = "";
	uint64_t n;

	(void)flags;
	if (number != DISK_ROOT || size >= sizeof(text)) {
		(void)fuse_reply_err(req, ENOTSUP);
		return;
	}
	memcpy(text, value, size);
	n = strtoull(text, NULL, 10);
	if (strcmp(name, "user.crash") == 0)
		disk_crash(&disk, n);
	else if (strcmp(name, "user.sync") == 0)
		disk_sync_all(&disk);
	else if (strcmp(name, "user.deaf") == 0)
		memcpy(disk.deaf, text, sizeof(text));
	else if (strcmp(name, "user.space") == 0)
		disk.space = n;
	else if (strcmp(name, "user.read-only") == 0)
		disk.read_only = n != 0;
	else
		n = UINT64_MAX;
	(void)fuse_reply_err(req, n == UINT64_MAX ? ENOTSUP : 0);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.create = op_create,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.readdir = op_readdir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.fsync = op_fsync,
	.fsyncdir = op_fsync,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
};

/* Others than the one who mounts it may use it, if that one is root. */
static int
serve(const char *folder)
{
	char name[] = "dropfs", option[] = "-o", *argv[] = { name, option, NULL, NULL };
	char for_root[] = "allow_other,default_permissions", for_user[] = "default_permissions";
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *session;
	int ret = 1;

	argv[2] = getuid() == 0 ? for_root : for_user;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) == 0 && fuse_session_mount(session, folder) == 0) {
		ret = fuse_session_loop(session) < 0;
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return ret;
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fputs("usage: dropfs FOLDER\n", stderr);
		return 2;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	disk_init(&disk);
	return serve(argv[1]);
}
