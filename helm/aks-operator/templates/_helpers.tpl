{{/* The name of everything: the release's, with the chart's unless it is in there already. */}}
{{- define "aks-operator.name" -}}
{{- if contains "aks-operator" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-aks-operator" (.Release.Name | trunc 37 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* What selects the operator's pods; may never change. */}}
{{- define "aks-operator.selector" -}}
app.kubernetes.io/name: aks-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "aks-operator.labels" -}}
{{ include "aks-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "aks-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "aks-operator.name" .) -}}
{{- end -}}

{{- define "aks-operator.image" -}}
{{- printf "%s:%s" .Values.global.image.repository (.Values.global.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* The fake cloud's URL, as its certificate names it. */}}
{{- define "aks-operator.fakeEndpoint" -}}
{{- printf "https://fakecloud.%s.svc" .Release.Namespace -}}
{{- end -}}

{{/* The release's namespace and those listed, each once, as JSON: {"list": […]}. */}}
{{- define "aks-operator.withOwn" -}}
{{- dict "list" (uniq (prepend .list .own)) | toJson -}}
{{- end -}}
