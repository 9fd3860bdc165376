using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Model;
using Konstruct.OrchestratorStub.Telemetry;
using Konstruct.OrchestratorStub.Work;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.AI;

namespace Konstruct.OrchestratorStub;

/// <summary>Registers the stub's services.</summary>
internal static class OrchestratorServices
{
    /// <summary>Registers the model: a fake behind a real model's interface. To use a real one, replace only this registration.</summary>
    public static void AddFakeModel(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<StubOptions>().BindConfiguration(StubOptions.Section).ValidateDataAnnotations().ValidateOnStart();

        // Aspire turns capture of prompts and answers on when it runs an application. A deployment must not capture them.
        var capture =
            builder.Environment.IsDevelopment() && builder.Configuration.GetValue<bool>("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
        builder
            .Services.AddChatClient(services => new FakeTokenChatClient(
                services.GetRequiredService<Microsoft.Extensions.Options.IOptions<StubOptions>>().Value,
                services.GetRequiredService<TimeProvider>()
            ))
            .UseOpenTelemetry(sourceName: "Konstruct.GenAI", configure: client => client.EnableSensitiveData = capture);
    }

    /// <summary>Registers the worker, which claims tasks and writes answers to their logs.</summary>
    public static void AddWorker(this WebApplicationBuilder builder)
    {
        builder.RequireConnectionString("redis", RedisConnectionString.FindFault);
        builder.AddRedisClient("redis");
        var services = builder.Services;
        services.AddOptions<DispatchOptions>().BindConfiguration(DispatchOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<TurnLog>();
        services.AddSingleton<DispatchQueue>();
        services.AddSingleton<DeadLetters>();
        services.AddLoops();
        services.AddSingleton<Retry>();
        services.AddSingleton<TurnAnswerer>();
        services.AddSingleton<RunningTurns>();
        services.AddSingleton<OrchestratorMetrics>();
        services.AddSingleton<Readiness>();
        services.AddHostedService(provider => provider.GetRequiredService<Readiness>());
        services.AddHealthChecks().AddCheck<Readiness>("orchestrator", tags: [ServiceDefaultsExtensions.ReadyTag]);
        services.AddHostedService<Heartbeat>();
        services.AddHostedService<Worker>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(28));
    }
}
