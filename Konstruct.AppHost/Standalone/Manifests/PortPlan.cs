using System.Net;
using System.Net.Sockets;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>A binding with its port of this run. Everything listens on the loopback interface.</summary>
internal readonly record struct Endpoint(string Scheme, int Port)
{
    /// <summary>A name for browsers, whose cookies and cross-origin rules know it; a number for stores, which listen on IPv4 only.</summary>
    public string Host => Scheme is "http" ? "localhost" : "127.0.0.1";

    public string Url => $"{Scheme}://{Host}:{Port}";
}

/// <summary>
/// The port of every binding: what clients outside the application use has the port of its launch settings, everything else a free one.
/// Bindings for https are those for http here: there is no certificate to trust on the loopback interface.
/// </summary>
internal sealed class PortPlan
{
    private readonly Dictionary<(string Resource, string Scheme), Endpoint> _endpoints = [];
    private readonly Dictionary<string, Endpoint> _instances = [];
    private readonly Manifest _manifest;

    private PortPlan(Manifest manifest) => _manifest = manifest;

    public Endpoint this[string resource, string binding] => _endpoints[(resource, SchemeOf(_manifest[resource].Bindings[binding]))];

    /// <summary>Where a project answers http: itself, or what stands before its replicas.</summary>
    public Endpoint HttpOf(string project) => _endpoints[(project, "http")];

    /// <summary>Where one process of a project answers http.</summary>
    /// <param name="instance">A name of <see cref="Manifest.InstancesOf"/>.</param>
    public Endpoint HttpOfInstance(string instance) => _instances[instance];

    /// <param name="manifest">Whose bindings get ports.</param>
    /// <param name="chosen">Ports by resource that somebody chose; 0 is a free one.</param>
    /// <param name="replicas">How many processes run for each project; the resource's own port is then the one before them.</param>
    public static PortPlan Make(Manifest manifest, IReadOnlyDictionary<string, int> chosen, int replicas = 1)
    {
        var plan = new PortPlan(manifest);
        if (chosen.Keys.FirstOrDefault(name => !manifest.Resources.ContainsKey(name)) is { } unknown)
            throw new CannotRunException($"There is no resource '{unknown}' to give a port; there are {manifest.ProcessNames}.");
        // All are held until the last is chosen, so that no two are the same.
        var held = new List<TcpListener>();
        foreach (var (name, resource) in manifest.Resources)
        {
            foreach (var binding in resource.Bindings.Values)
            {
                var scheme = SchemeOf(binding);
                if (plan._endpoints.ContainsKey((name, scheme)))
                    continue;
                var port = chosen.TryGetValue(name, out var wanted) ? wanted : FixedPort(manifest, resource);
                plan._endpoints.Add((name, scheme), new(scheme, port is 0 ? FreePort(held) : port));
            }
            // Every service answers probes, also one that the manifest gives no binding.
            if (resource.IsProject && !plan._endpoints.ContainsKey((name, "http")))
                plan._endpoints.Add((name, "http"), new("http", FreePort(held)));
            foreach (var instance in resource.IsProject ? manifest.InstancesOf(name, replicas) : [])
                plan._instances.Add(instance, instance == name ? plan.HttpOf(name) : new("http", FreePort(held)));
        }
        held.ForEach(listener => listener.Dispose());
        return plan;
    }

    /// <summary>Whether nobody listens on a port of the loopback interface.</summary>
    public static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static int FreePort()
    {
        var held = new List<TcpListener>();
        var port = FreePort(held);
        held.ForEach(listener => listener.Dispose());
        return port;
    }

    private static int FreePort(List<TcpListener> held)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        held.Add(listener);
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static int FixedPort(Manifest manifest, ManifestResource resource) =>
        resource.IsProject && resource.Bindings.Values.Any(binding => binding.External)
            ? LaunchSettings.Of(Path.Combine(manifest.Folder, resource.Path!)).HttpPort
            : 0;

    private static string SchemeOf(ManifestBinding binding) => binding.Scheme is "https" ? "http" : binding.Scheme;
}
