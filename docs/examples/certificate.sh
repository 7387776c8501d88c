#!/bin/sh
# Makes a key and a self-signed certificate of a device, and prints the text that the platform wants as its credentials
# (type X509_CERTIFICATE): POST /api/device-with-credentials, member credentialsValue.
#
# usage: certificate.sh NAME FOLDER [DAYS]
set -eu
name=$1 folder=$2 days=${3:-3650}
openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days "$days" -subj "/CN=$name" \
    -keyout "$folder/$name.key" -out "$folder/$name.pem" 2>/dev/null
openssl x509 -in "$folder/$name.pem" -outform DER | base64 -w 0
