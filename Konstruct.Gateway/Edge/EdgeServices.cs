using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Edge;

/// <summary>Limits and headers that apply to every connection before authentication.</summary>
internal static partial class EdgeServices
{
    /// <summary>Maximum body of a request that is not an upgrade. Frames of a socket do not count.</summary>
    private const long MaxBodyBytes = 64 * 1024;

    /// <summary>Number of connections beyond the sockets, for requests, probes and sockets that are refused; and of idle connections.</summary>
    private const int SpareConnections = 1_000;

    public static void AddEdge(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var room = FileDescriptors.ConnectionsThatFit() ?? int.MaxValue;
        var sockets = (int)(room * 5L / 8); // The rest lets excess sockets get an error.
        services
            .AddOptions<EdgeOptions>()
            .BindConfiguration(EdgeOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart()
            .PostConfigure(edge => edge.MaxSockets = Math.Min(edge.MaxSockets, sockets));
        services.AddSingleton<AllowedOrigins>();
        services.AddSingleton<UserRequests>();
        services.AddCors();
        services
            .AddOptions<CorsOptions>()
            .Configure<AllowedOrigins>(
                (cors, origins) =>
                    cors.AddDefaultPolicy(policy =>
                        policy.SetIsOriginAllowed(origins.IsListed).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders("Location", "Retry-After")
                    )
            );
        services
            .AddOptions<KestrelServerOptions>()
            .Configure<IOptions<EdgeOptions>, ILoggerFactory>(
                (kestrel, edge, loggers) =>
                {
                    if (edge.Value.MaxSockets == sockets)
                    {
                        Log.FewDescriptors(loggers.CreateLogger(typeof(EdgeServices)), sockets);
                    }

                    kestrel.AddServerHeader = false;
                    var limits = kestrel.Limits;

                    // Kestrel counts a connection that was upgraded here and no longer there: both together are what fits.
                    limits.MaxConcurrentUpgradedConnections = Math.Min(edge.Value.MaxSockets + SpareConnections, (int)(room * 3L / 4));
                    limits.MaxConcurrentConnections = Math.Min(edge.Value.MaxSockets + (2 * SpareConnections), Math.Max(room / 4, 8));
                    limits.MaxRequestBodySize = MaxBodyBytes;
                    limits.MaxRequestHeadersTotalSize = 32 * 1024; // Twice the longest token: a longer one gets the same error as on a socket.
                    limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
                    limits.KeepAliveTimeout = TimeSpan.FromSeconds(15); // Also until the first request.
                    var idle = new IdleConnections(SpareConnections);
                    kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => idle.HoldAsync(connection, next)));
                }
            );
    }

    /// <summary>First in the pipeline, so that it applies to every response.</summary>
    public static void UseEdge(this WebApplication app)
    {
        app.Use(IdleConnections.ServeAsync);
        app.Use(
            (context, next) =>
            {
                // Responses must be interpreted only by their content type.
                context.Response.Headers.XContentTypeOptions = "nosniff";
                return next(context);
            }
        );
        app.UseCors();
    }

    private static partial class Log
    {
        [LoggerMessage(
            244,
            LogLevel.Warning,
            "At most {Sockets} sockets are taken, fewer than Edge:MaxSockets: the process may not open more files. Raise its limit (ulimit -n)"
        )]
        public static partial void FewDescriptors(ILogger logger, int sockets);
    }
}
