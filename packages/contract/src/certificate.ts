/**
 * Of 127.0.0.1, for tests alone, until 2126. Made by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=IP:127.0.0.1`.
 */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX+8EAGdKpG7NhyS3
+o/LTgCEIgb1SbMT8unT6AMIvU2hRANCAAQesgWCclQ+VLVBTkerCfSGHsnjrEZ4
cjajiYu+0XkPG58xds6GiTKIvL8gcFI7+sV+wqAZ9pYgQxSE+IhweOJ/
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUA9Jq3dTxtA1Ugb2jsSnWtWp5N5cwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEzNTMyNVoYDzIxMjYxMDI4
MTM1MzI1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQesgWCclQ+VLVBTkerCfSGHsnjrEZ4cjajiYu+0XkPG58xds6GiTKI
vL8gcFI7+sV+wqAZ9pYgQxSE+IhweOJ/o28wbTAdBgNVHQ4EFgQUmt37akL9ea7l
LCJ63dpVtSDBNXUwHwYDVR0jBBgwFoAUmt37akL9ea7lLCJ63dpVtSDBNXUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSQAwRgIhAI3eqKUmexJNZ7Xq2TnCCw3CDPj4fJKzc2DJihURonlAAiEA
rQBFEcoNBpI1Oi9yhNo4tGbkNg+o+aAJfinxKBE4R0Y=
-----END CERTIFICATE-----`,
}
