"""Paths that try to get out of a root, and URLs that try to reach what is not a configured bucket.

`{root}`: the allowed folder; `{outside}`: a folder beside it with secret.jsonl; `{workspace}`: the service's workspace. Links that the
fixture of tests/integration/test_api_paths.py makes in the root lead out of it.
"""

TRAVERSAL = (
    # up and out, plainly
    "..", "../", "../outside/secret.jsonl", "../../../../etc/passwd", "./../outside/secret.jsonl", "{root}/..",
    "{root}/../outside/secret.jsonl", "{root}/a/../../outside/secret.jsonl", "{root}/./../outside", "{root}/a/b/../../../outside",
    "a/../../outside/secret.jsonl", "{root}/...//../outside", "{root}//../outside",
    # absolute
    "/", "/etc/passwd", "/etc/../etc/passwd", "/proc/self/environ", "/proc/self/root/etc/passwd", "/dev/stdin", "/dev/fd/0",
    "/root/.ssh/id_ed25519", "{outside}/secret.jsonl", "{outside}", "{outside}/*.jsonl", "//etc/passwd", "//server/share/x.jsonl",
    # a folder whose name begins as the root's does
    "{root}-beside/x.jsonl", "{root}x", "{root}/../root-beside/x.jsonl",
    # home folders and variables
    "~", "~/.aws/credentials", "~root/.ssh/id_rsa", "{root}/~/x.jsonl",
    # escapes that another layer might undo
    "%2e%2e/outside/secret.jsonl", "{root}/%2e%2e/outside/secret.jsonl", "{root}/..%2foutside/secret.jsonl", "{root}/%2e%2e%2foutside",
    "{root}/%252e%252e%252foutside", "{root}/%25252e%25252e/outside", "..%5coutside", "{root}/a%00.jsonl", "{root}/%c0%ae%c0%ae/%2e%2e/outside",
    "{root}/‥/outside/secret.jsonl", "{root}/．．/outside/secret.jsonl", "{root}/..／outside/secret.jsonl",
    # other systems' separators, drives and devices
    "..\\outside\\secret.jsonl", "{root}\\..\\outside", "C:\\Windows\\win.ini", "C:/Windows/win.ini", "C:", "\\\\server\\share\\x.jsonl",
    "{root}/CON", "{root}/nul.jsonl", "{root}/com1.parquet", "{root}/AUX", "\\\\?\\C:\\x", "\\\\.\\pipe\\x",
    # control characters, spaces, what is not UTF-8
    "{root}/a\0.jsonl", "{root}/a.jsonl\0/../../outside", "{root}/a\n.jsonl", "{root}/a\r\n/x", "\t{root}/a.jsonl", " ../outside", "{root}/\x1b[2J",
    "{root}/\ud800.jsonl", "", "   ", "{root}/" + "a" * 300, "{root}/" + "a/" * 3000,
    # links that lie in the root
    "{root}/link.jsonl", "{root}/linked/secret.jsonl", "{root}/linked", "{root}/linked/*.jsonl", "{root}/far/secret.jsonl",
    "{root}/dangling", "{root}/loop", "{root}/deep", "{root}/relative.jsonl",
    # globs
    "{root}/*/../../outside/*.jsonl", "{root}/*/..", "../*", "/*", "/e*c/passwd", "/**", "**/../../outside/*", "{root}/link*.jsonl",
    "{root}/l*/secret.jsonl", "{root}/**/secret.jsonl", "{root}/dee*", "{root}/[l]ink.jsonl", "{root}/?ink.jsonl", "{root}-*/x.jsonl",
    "{root}/{{a,../outside}}/secret.jsonl", "{root}/{{..,a}}/outside/secret.jsonl", "{{/etc,{root}}}/passwd",
    # the workspace's own
    "{workspace}/service/keys.json", "{workspace}/service", "{workspace}/service/*", "{workspace}/*/keys.json", "{workspace}/jobs",
    "{workspace}/catalog.duckdb", "{workspace}/requests/x.json", "{workspace}/corpora", "{workspace}/tmp", "{workspace}/models/x",
    "{root}/inner/keys.json", "{root}/inner",
)  # fmt: skip

URLS = (
    # the address where clouds keep credentials, in every spelling
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "https://169.254.169.254/", "http://2852039166/", "http://0251.0376.0251.0376/",
    "http://0xa9fea9fe/", "http://0xa9.0xfe.0xa9.0xfe/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/",
    "http://169.254.169.254.nip.io/", "http://metadata.google.internal/computeMetadata/v1/", "http://instance-data/",
    # this machine and its network
    "http://127.0.0.1:8765/v1/jobs", "http://localhost/", "http://127.1/", "http://0/", "http://0.0.0.0:8265/api/jobs/", "http://[::1]/", "http://[::]/",
    "http://10.0.0.1/", "http://192.168.0.1/admin", "http://user:pass@127.0.0.1/", "http://allowed@127.0.0.1/", "http://127.0.0.1#@bucket/",
    # other schemes
    "file:///etc/passwd", "file:/etc/passwd", "file://localhost/etc/passwd", "FILE:///etc/passwd", "local:///etc/passwd", "ftp://host/x", "sftp://host/x",
    "ssh://host/x", "smb://host/x", "hdfs://host/x", "webhdfs://host/x", "github://org:repo@main/x", "git://x", "dbfs://x", "gopher://127.0.0.1:6379/_INFO",
    "data:text/plain,x", "data://text/plain,x", "memory://x", "jupyter://x", "reference://x", "dask://x", "lakefs://x", "http:/127.0.0.1/", "//127.0.0.1/x",
    # chained file systems
    "simplecache::s3://allowed/in/x.jsonl", "filecache::http://127.0.0.1/x", "blockcache::file:///etc/passwd", "zip://x.txt::http://127.0.0.1/a.zip",
    "zip:///etc/passwd", "tar://x::s3://allowed/in/a.tar", "s3://allowed/in/x::file:///etc/passwd", "dir::file:///etc", "simplecache::file:///etc/passwd",
    # other buckets, and other prefixes of the allowed one (s3://allowed/in)
    "s3://other/x.jsonl", "s3://allowed", "s3://allowed/", "s3://allowed/x.jsonl", "s3://allowed/inside/x.jsonl", "s3://allowed/in-other/x", "s3://allowed/i*/x",
    "s3://allowed/in/../secret/x", "s3://allowed/in/%2e%2e/secret/x", "s3://allowed/in/..%2fsecret", "s3://allowed//in/x", "s3://allowed/in//x", "s3://allowed/./in/x",
    "s3://allowed.evil.com/in/x", "s3://evil@allowed/in/x", "s3://key:secret@allowed/in/x", "s3://allowed/in/x?versionId=1", "s3://allowed/in#x", "s3://allowed:80/in/x",
    "s3://*/in/x.jsonl", "s3://allow*/in/x.jsonl", "s3://{{other,allowed}}/in/x", "s3://allowed/{{in,secret}}/x", "S3://allowed/in/x.jsonl", "s3:///allowed/in/x",
    "s3:allowed/in/x", "s3:/allowed/in/x", "s3://allowed\\in\\x", "s3://allowed/in\0/x", "s3://allowed/in/\n", "s3a://allowed/in/x", "gs://allowed/in/x", "s3://",
    "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/x", "s3://allowed/in/~/x", "s3://ａllowed/in/x", "s3://allowed／in/x",
)  # fmt: skip
