// Command acceptance lives through a small life in a fake cloud with Azure's own Go modules: each way to log in, a
// cluster that is made, scaled and removed by pollers, and a network security group. Its argument is the cloud's state
// directory. It ends with exit code 1 at the first thing that is not as in Azure.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	aks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	network "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v8"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
)

const (
	group    = "go"
	location = "westeurope"
	patience = 90 * time.Second
)

// account is what the cloud says of itself in account.json.
type account struct {
	Endpoint         string `json:"endpoint"`
	TenantID         string `json:"tenantId"`
	SubscriptionID   string `json:"subscriptionId"`
	ClientID         string `json:"clientId"`
	ClientSecret     string `json:"clientSecret"`
	IdentityEndpoint string `json:"identityEndpoint"`
	IdentityHeader   string `json:"identityHeader"`
}

// desk is a cloud and how to reach it.
type desk struct {
	account
	options azcore.ClientOptions
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: acceptance STATE")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, state string) error {
	d, err := open(state)
	if err != nil {
		return err
	}
	credential, err := d.logIn(ctx)
	if err != nil {
		return err
	}
	groups, err := armresources.NewResourceGroupsClient(d.SubscriptionID, credential, d.arm())
	if err != nil {
		return err
	}
	if _, err := groups.CreateOrUpdate(ctx, group, armresources.ResourceGroup{Location: to.Ptr(location)}, nil); err != nil {
		return err
	}
	for _, life := range []func(context.Context, azcore.TokenCredential) error{d.clusters, d.networks} {
		if err := life(ctx, credential); err != nil {
			return err
		}
	}
	if err := settle(groups.BeginDelete(ctx, group, nil))(ctx); err != nil {
		return err
	}
	fmt.Println("the group is gone")
	return nil
}

// open reads what the cloud says of itself.
func open(state string) (*desk, error) {
	text, err := os.ReadFile(filepath.Join(state, "account.json"))
	if err != nil {
		return nil, err
	}
	d := &desk{}
	if err := json.Unmarshal(text, &d.account); err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(state, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.Proxy = nil
	d.options = azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: d.Endpoint,
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Audience: d.Endpoint, Endpoint: d.Endpoint},
			},
		},
		Transport: &http.Client{Transport: transport},
	}
	return d, nil
}

func (d *desk) arm() *arm.ClientOptions { return &arm.ClientOptions{ClientOptions: d.options} }

// logIn tries every way to log in, and returns the first one's credential.
func (d *desk) logIn(ctx context.Context) (azcore.TokenCredential, error) {
	os.Setenv("IDENTITY_ENDPOINT", d.IdentityEndpoint) // as App Service does for what runs there
	os.Setenv("IDENTITY_HEADER", d.IdentityHeader)
	offline := &azidentity.ClientSecretCredentialOptions{ClientOptions: d.options, DisableInstanceDiscovery: true}
	ways := []struct {
		name string
		make func() (azcore.TokenCredential, error)
	}{
		{"client secret", func() (azcore.TokenCredential, error) {
			return azidentity.NewClientSecretCredential(d.TenantID, d.ClientID, d.ClientSecret, offline)
		}},
		{"client secret by an ADFS-style authority", func() (azcore.TokenCredential, error) {
			plain := &azidentity.ClientSecretCredentialOptions{ClientOptions: d.options}
			return azidentity.NewClientSecretCredential("adfs", d.ClientID, d.ClientSecret, plain)
		}},
		{"managed identity", func() (azcore.TokenCredential, error) {
			options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: d.options}
			return azidentity.NewManagedIdentityCredential(options)
		}},
	}
	var first azcore.TokenCredential
	for _, way := range ways {
		credential, err := way.make()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		groups, err := armresources.NewResourceGroupsClient(d.SubscriptionID, credential, d.arm())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		if _, err := groups.NewListPager(nil).NextPage(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		fmt.Println("logged in:", way.name)
		if first == nil {
			first = credential
		}
	}
	return first, nil
}

// clusters makes a cluster and a pool, scales the pool, is refused, and removes the cluster.
func (d *desk) clusters(ctx context.Context, credential azcore.TokenCredential) error {
	factory, err := aks.NewClientFactory(d.SubscriptionID, credential, d.arm())
	if err != nil {
		return err
	}
	clusters, pools := factory.NewManagedClustersClient(), factory.NewAgentPoolsClient()
	size := to.Ptr("Standard_D4s_v5")
	cluster := aks.ManagedCluster{
		Location: to.Ptr(location),
		Identity: &aks.ManagedClusterIdentity{Type: to.Ptr(aks.ResourceIdentityTypeSystemAssigned)},
		Properties: &aks.ManagedClusterProperties{
			DNSPrefix: to.Ptr("go"),
			AgentPoolProfiles: []*aks.ManagedClusterAgentPoolProfile{
				{Name: to.Ptr("system"), Mode: to.Ptr(aks.AgentPoolModeSystem), Count: to.Ptr[int32](1), VMSize: size},
			},
		},
	}
	if err := settle(clusters.BeginCreateOrUpdate(ctx, group, "c", cluster, nil))(ctx); err != nil {
		return err
	}
	pool := aks.AgentPool{Properties: &aks.ManagedClusterAgentPoolProfileProperties{Count: to.Ptr[int32](1), VMSize: size}}
	if err := settle(pools.BeginCreateOrUpdate(ctx, group, "c", "user", pool, nil))(ctx); err != nil {
		return err
	}
	for _, count := range []int32{3, 0} {
		have, err := pools.Get(ctx, group, "c", "user", nil)
		if err != nil {
			return err
		}
		have.Properties.Count = to.Ptr(count)
		if err := settle(pools.BeginCreateOrUpdate(ctx, group, "c", "user", have.AgentPool, nil))(ctx); err != nil {
			return err
		}
		if have, err = pools.Get(ctx, group, "c", "user", nil); err != nil {
			return err
		}
		if *have.Properties.Count != count || *have.Properties.ProvisioningState != "Succeeded" {
			return fmt.Errorf("the pool was scaled to %d and is %d, %s", count, *have.Properties.Count, *have.Properties.ProvisioningState)
		}
		fmt.Println("the pool was scaled:", count)
	}
	_, err = pools.BeginDelete(ctx, group, "c", "system", nil)
	if err := refused(err, http.StatusBadRequest, "OperationNotAllowed"); err != nil {
		return err
	}
	keys, err := clusters.ListClusterUserCredentials(ctx, group, "c", nil)
	if err != nil {
		return err
	}
	if len(keys.Kubeconfigs) != 1 {
		return fmt.Errorf("there are %d kubeconfigs", len(keys.Kubeconfigs))
	}
	if err := settle(clusters.BeginDelete(ctx, group, "c", nil))(ctx); err != nil {
		return err
	}
	_, err = clusters.Get(ctx, group, "c", nil)
	fmt.Println("the cluster is gone")
	return refused(err, http.StatusNotFound, "ResourceNotFound")
}

// networks makes a network security group with a rule, and is refused a second one of the same priority.
func (d *desk) networks(ctx context.Context, credential azcore.TokenCredential) error {
	factory, err := network.NewClientFactory(d.SubscriptionID, credential, d.arm())
	if err != nil {
		return err
	}
	edge := network.SecurityGroup{Location: to.Ptr(location)}
	if err := settle(factory.NewSecurityGroupsClient().BeginCreateOrUpdate(ctx, group, "edge", edge, nil))(ctx); err != nil {
		return err
	}
	rule := network.SecurityRule{Properties: &network.SecurityRulePropertiesFormat{
		Access:                   to.Ptr(network.SecurityRuleAccessAllow),
		Direction:                to.Ptr(network.SecurityRuleDirectionInbound),
		Protocol:                 to.Ptr(network.SecurityRuleProtocolTCP),
		Priority:                 to.Ptr[int32](1000),
		SourceAddressPrefix:      to.Ptr("*"),
		SourcePortRange:          to.Ptr("*"),
		DestinationAddressPrefix: to.Ptr("*"),
		DestinationPortRange:     to.Ptr("443"),
	}}
	rules := factory.NewSecurityRulesClient()
	if err := settle(rules.BeginCreateOrUpdate(ctx, group, "edge", "web", rule, nil))(ctx); err != nil {
		return err
	}
	_, err = rules.BeginCreateOrUpdate(ctx, group, "edge", "other", rule, nil)
	fmt.Println("the rule is there")
	return refused(err, http.StatusBadRequest, "SecurityRuleConflict")
}

// settle returns what waits for the operation of a poller, and asks again as often as the cloud says.
func settle[T any](poller *runtime.Poller[T], err error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err != nil {
			return err
		}
		_, err := poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: time.Second})
		return err
	}
}

// refused returns nil for a refusal with this status and code, else an error that says what came instead.
func refused(err error, status int, code string) error {
	var refusal *azcore.ResponseError
	if errors.As(err, &refusal) && refusal.StatusCode == status && refusal.ErrorCode == code {
		fmt.Println("refused:", code)
		return nil
	}
	return fmt.Errorf("%d %s was expected, and not: %w", status, code, err)
}
