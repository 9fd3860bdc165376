using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Konstruct.AppHost.Hosting;

/// <summary>Where Redis and Postgres run.</summary>
internal enum Stores
{
    /// <summary>In containers. This is what is published.</summary>
    Containers,

    /// <summary>As local processes: Garnet, and PostgreSQL as installed or from npm.</summary>
    Local,

    /// <summary>Elsewhere: the connection strings are parameters.</summary>
    Managed,
}

/// <summary>Settings from the command line, <c>--Hosting:Stores=local</c>, or environment variables, <c>Hosting__Stores=local</c>.</summary>
/// <param name="Stores"><c>Hosting:Stores</c>: where Redis and Postgres run. In publish mode containers, unless managed.</param>
/// <param name="Data"><c>Hosting:Data</c>: data folder of local servers, relative to the repository. Default <c>.konstruct</c>.</param>
/// <param name="Replicas"><c>Replicas</c>, 1 to 10, default 1: number of gateways and of orchestrators. Not part of the manifest.</param>
/// <param name="HasStub"><c>Orchestrator</c>, <c>stub</c> or <c>none</c>, default <c>stub</c>: whether the model has the stub orchestrator.</param>
/// <param name="Port"><c>Port</c>, 1 to 65535: the gateway's port; null: the one in its launch profile.</param>
internal sealed record HostingSettings(Stores Stores, string Data, int Replicas, bool HasStub, int? Port)
{
    /// <summary>Reads the settings. On an error <paramref name="problem"/> says which one is wrong and what it can be.</summary>
    public static bool TryRead(
        IDistributedApplicationBuilder builder,
        [NotNullWhen(true)] out HostingSettings? settings,
        [NotNullWhen(false)] out string? problem
    )
    {
        var configuration = builder.Configuration;
        var repository = Path.GetDirectoryName(builder.AppHostDirectory)!;
        var data = Path.GetFullPath(configuration["Hosting:Data"] is { Length: > 0 } folder ? folder : ".konstruct", repository);
        problem = null;
        settings = null;

        if (!TryReadNumber(configuration, "Replicas", 10, out var replicas))
        {
            problem = $"Replicas is '{configuration["Replicas"]}'; it can be a number from 1 to 10.";
        }
        else if (!TryReadNumber(configuration, "Port", 65535, out var port))
        {
            problem = $"Port is '{configuration["Port"]}'; it can be a number from 1 to 65535.";
        }
        else if (ReadOrchestrator(configuration) is not { } hasStub)
        {
            problem = $"Orchestrator is '{configuration["Orchestrator"]}'; it can be stub or none.";
        }
        else if (configuration["Dispatch:Queue"]?.ToLowerInvariant() is not (null or "" or "native" or "celery"))
        {
            problem = $"Dispatch:Queue is '{configuration["Dispatch:Queue"]}'; it can be native or celery.";
        }
        else if (ReadStores(builder) is not { } stores)
        {
            problem = $"Hosting:Stores is '{configuration["Hosting:Stores"]}'; it can be auto, containers, local or managed.";
        }
        else
        {
            settings = new(stores, data, replicas ?? 1, hasStub, port);
        }

        return problem is null;
    }

    private static Stores? ReadStores(IDistributedApplicationBuilder builder) =>
        builder.Configuration["Hosting:Stores"]?.ToLowerInvariant() switch
        {
            "managed" => Stores.Managed,
            "containers" => Stores.Containers,
            null or "" or "auto" or "local" when builder.ExecutionContext.IsPublishMode => Stores.Containers,
            "local" => Stores.Local,
            null or "" or "auto" => ContainerRuntime.Answers() ? Stores.Containers : Stores.Local,
            _ => null,
        };

    private static bool? ReadOrchestrator(ConfigurationManager configuration) =>
        configuration["Orchestrator"]?.ToLowerInvariant() switch
        {
            null or "" or "stub" => true,
            "none" => false,
            _ => null,
        };

    private static bool TryReadNumber(ConfigurationManager configuration, string name, int most, out int? number)
    {
        number = null;
        if (configuration[name] is not { Length: > 0 } text)
        {
            return true;
        }

        var isRight = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= most;
        number = value;
        return isRight;
    }
}
