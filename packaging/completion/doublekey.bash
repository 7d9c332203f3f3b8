# SPDX-License-Identifier: Apache-2.0
# bash completion for doublekey(1)

# Names of profiles.
_doublekey_profiles() {
	local folder=${XDG_CONFIG_HOME:-$HOME/.config}/doublekey/profiles file
	for file in "$folder"/*.conf; do
		[[ -e $file ]] || continue
		file=${file##*/}
		printf '%s\n' "${file%.conf}"
	done
}

# Candidates from the words in $1.
_doublekey_words() {
	local IFS=$' \t\n'
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Files with one of the given suffixes, and directories; without any, all files.
_doublekey_files() {
	local IFS=$'\n' file suffix
	compopt -o filenames 2>/dev/null
	while read -r file; do
		if [[ -d $file || $# -eq 0 ]]; then
			COMPREPLY+=("$file")
			continue
		fi
		for suffix; do
			[[ $file == *"$suffix" ]] && COMPREPLY+=("$file")
		done
	done < <(compgen -f -- "$cur")
}

_doublekey() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' sub='' i
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-p | --profile) ((i++)) ;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=${COMP_WORDS[i]}
			elif [[ -z $sub ]]; then
				sub=${COMP_WORDS[i]}
			fi
			;;
		esac
	done

	case $prev in
	-p | --profile)
		_doublekey_words "$(_doublekey_profiles)"
		return
		;;
	--customer | --provider | --open | --to | --sign | --require-creator | --auditor | --recipient)
		_doublekey_files .key .key.pub
		return
		;;
	--side)
		[[ $command == keygen ]] && _doublekey_words 'customer provider creator auditor' ||
			_doublekey_words 'customer provider'
		return
		;;
	--type)
		_doublekey_words 'p256 p384 rsa3072 rsa4096'
		return
		;;
	--lang | --report)
		_doublekey_words 'en de'
		return
		;;
	--segment-length)
		_doublekey_words '4096 65536 1048576'
		return
		;;
	--passphrase-file | --approval | --policy | --ca | --records | --entry | --incident | --catalogue | --service-policy | --witnesses | --configuration | --specs | --import | --dir | \
		--tls-cert | --tls-key | -o | --output)
		_doublekey_files
		return
		;;
	--label | --tenant | --file-name | --offset | --length | --min-epoch | \
		--min-epoch-customer | --min-epoch-provider | -j | --jobs | --custodian | \
		--shares | --threshold | --key | --ca-fingerprint | --code | --device-name | --reason | \
		--name | --log | --listen)
		return
		;;
	esac

	local common='--quiet --help'
	local keys='--customer --provider --passphrase-file'
	local target='--output --force --recursive --jobs'
	case $command in
	'')
		_doublekey_words "encrypt decrypt inspect rewrap scan keygen key profile doctor enrol
			incident assess evidence log request approve presence
			--profile --version $common"
		;;
	encrypt)
		if [[ $cur == -* ]]; then
			_doublekey_words "$keys $target --label --tenant --sign --file-name
				--segment-length $common"
		else
			_doublekey_files
		fi
		;;
	decrypt)
		if [[ $cur == -* ]]; then
			_doublekey_words "$keys $target --approval --offset --length --require-creator --min-epoch
				--min-epoch-customer --min-epoch-provider $common"
		else
			_doublekey_files .dkey
		fi
		;;
	inspect)
		if [[ $cur == -* ]]; then
			_doublekey_words "--json $keys $common"
		else
			_doublekey_files .dkey
		fi
		;;
	doctor)
		_doublekey_words "--customer --provider $common"
		;;
	rewrap)
		if [[ $cur == -* ]]; then
			_doublekey_words "--side --open --to --min-epoch --resume --passphrase-file
				--recursive --jobs $common"
		else
			_doublekey_files .dkey
		fi
		;;
	scan)
		if [[ $cur == -* ]]; then
			_doublekey_words "--output --keys --problems --jobs $common"
		else
			_doublekey_files
		fi
		;;
	keygen)
		_doublekey_words "--side --type --custodian --passphrase-file --no-passphrase --force
			--output $common"
		;;
	key)
		case $sub in
		split)
			if [[ $cur == -* ]]; then
				_doublekey_words "--shares --threshold --allow-all --passphrase-file --force
					--output $common"
			else
				_doublekey_files .key
			fi
			;;
		public)
			_doublekey_words "--side --force --output $common"
			;;
		join)
			if [[ $cur == -* ]]; then
				_doublekey_words "--passphrase-file --no-passphrase --force --output $common"
			else
				_doublekey_files .txt
			fi
			;;
		*) _doublekey_words "split join public --help" ;;
		esac
		;;
	profile)
		case $sub in
		add) _doublekey_words "--customer --provider --label --tenant --sign --force $common" ;;
		refresh | remove) _doublekey_words "$(_doublekey_profiles) $common" ;;
		list) _doublekey_words "$common" ;;
		*) _doublekey_words "add list refresh remove --help" ;;
		esac
		;;
	incident)
		case $sub in
		check)
			if [[ $cur == -* ]]; then _doublekey_words "$common"; else _doublekey_files; fi
			;;
		new)
			if [[ $cur == -* ]]; then _doublekey_words "--force $common"; else _doublekey_files; fi
			;;
		*) _doublekey_words "check new --help" ;;
		esac
		;;
	assess)
		_doublekey_words "--incident --catalogue --log --records --key --policy --ca --service-policy --list --explain
			--json --html --lang --force $common"
		;;
	evidence)
		case $sub in
		bundle)
			_doublekey_words "--output --force --incident --catalogue --log --records --recipient --key
				--policy --ca --until --without-persons --service-policy --witnesses
				--configuration --report --specs $common"
			;;
		verify)
			if [[ $cur == -* ]]; then
				_doublekey_words "--auditor --passphrase-file --without-records --identity --key
					--policy --ca $common"
			else
				_doublekey_files
			fi
			;;
		*) _doublekey_words "bundle verify --help" ;;
		esac
		;;
	enrol)
		_doublekey_words "--ca-fingerprint --code --device-name $common"
		;;
	presence)
		if [[ -z $sub ]]; then
			_doublekey_words "start stop status --help"
		else
			_doublekey_words "$common"
		fi
		;;
	log)
		local trust='--key --policy --ca'
		case $sub in
		verify)
			if [[ $cur == -* ]]; then
				_doublekey_words "$trust --records --entry --foreign --json $common"
			else
				_doublekey_files
			fi
			;;
		prove)
			if [[ $cur == -* ]]; then
				_doublekey_words "$trust --output --force $common"
			else
				_doublekey_files
			fi
			;;
		export)
			if [[ $cur == -* ]]; then
				_doublekey_words "$trust --auditor --passphrase-file --json --output --force
					$common"
			else
				_doublekey_files
			fi
			;;
		gossip) _doublekey_words "--import --forget --output --force $common" ;;
		mirror) _doublekey_words "$trust --foreign --output $common" ;;
		witness) _doublekey_words "--init --dir --name --log --listen --tls-cert --tls-key $common" ;;
		*) _doublekey_words "export gossip mirror prove verify witness --help" ;;
		esac
		;;
	request)
		if [[ $cur == -* ]]; then
			_doublekey_words "--customer --reason --output --force $common"
		else
			_doublekey_files .dkey
		fi
		;;
	approve)
		if [[ $cur == -* ]]; then
			_doublekey_words "--yes --show --at --whole-key --reason --output --force $common"
		else
			_doublekey_files .dkrequest
		fi
		;;
	esac
}

complete -F _doublekey doublekey
