using Microsoft.Extensions.Hosting;
using OpenTelemetry.Resources;

namespace Konstruct.ServiceDefaults;

/// <summary>
/// The process's name in telemetry. OpenTelemetry's own is <c>unknown_service:dotnet</c> without an instance, so that the counters of replicas, and of
/// different services, would overwrite each other in a collector. <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> come first.
/// </summary>
internal static class ServiceIdentity
{
    private const string Service = "service.name";
    private const string Instance = "service.instance.id";

    public static void AddTo(ResourceBuilder resource, IHostApplicationBuilder builder)
    {
        var given = (builder.Configuration["OTEL_RESOURCE_ATTRIBUTES"] ?? "")
            .Split(',')
            .Select(attribute => attribute.Split('=')[0].Trim())
            .ToHashSet(StringComparer.Ordinal);
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]) && !given.Contains(Service))
        {
            resource.AddAttributes([new(Service, builder.Environment.ApplicationName)]);
        }

        if (!given.Contains(Instance))
        {
            // In a container: the name of the pod or replica, and 1.
            resource.AddAttributes([new(Instance, $"{Environment.MachineName}:{Environment.ProcessId}")]);
        }
    }
}
