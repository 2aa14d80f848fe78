#!/bin/sh
# Synthesizes the clips of speech-smoke: 8 voices × 3 sentences, 2.2 s at 16 kHz, FLAC.
# Needs flite, espeak-ng and sox (Debian packages of these names); run it in this folder.
set -eu

say() { # voice number sentence
    case $1 in
        slt | rms | awb) flite -voice "$1" -t "$3" -o raw.wav ;;
        kal) flite -voice kal16 -t "$3" -o raw.wav ;;
        en-us-m) espeak-ng -v en-us+m3 -s 170 -w raw.wav "$3" ;;
        en-sc-m) espeak-ng -v en-gb-scotland+m7 -s 165 -w raw.wav "$3" ;;
        en-rp-f) espeak-ng -v en-gb-x-rp+f2 -s 170 -w raw.wav "$3" ;;
        en-gb-f) espeak-ng -v en-gb+f4 -s 165 -w raw.wav "$3" ;;
    esac
    # One rate, a quarter of a second of silence before, level -3 dB, 2.2 s in all.
    sox -D raw.wav -r 16000 -c 1 -b 16 "$1-$2.flac" silence 1 0.01 0.1% pad 0.25 3 trim 0 2.2 norm -3
    rm raw.wav
}

for voice in slt rms awb kal en-us-m en-sc-m en-rp-f en-gb-f; do
    say $voice 1 "A small boat left the harbour in fog."
    say $voice 2 "Seven green bottles stood by the door."
    say $voice 3 "She measured the noise and wrote it down."
done
