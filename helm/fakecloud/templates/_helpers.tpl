{{/* Names are fixed: the fake's certificate, its Secrets and its accounts carry them. One fake a namespace. */}}

{{- define "fakecloud.selector" -}}
app.kubernetes.io/name: fakecloud
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fakecloud.labels" -}}
app.kubernetes.io/name: fakecloud
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "fakecloud.image" -}}
{{- printf "%s:%s" .Values.global.image.repository (.Values.global.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* The server's name, as its certificate has it. */}}
{{- define "fakecloud.host" -}}
{{- printf "fakecloud.%s.svc" .Release.Namespace -}}
{{- end -}}

{{/* Files by which the client may log in, by name, as YAML; nothing when there are none. */}}
{{- define "fakecloud.login" -}}
{{- range $name := list "certificates" "federatedKeys" }}
{{- with index $.Values.login $name }}
{{ $name }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}
