using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Turns.Celery;

namespace Konstruct.Gateway.Turns;

/// <summary>Registers the dispatcher that <c>Dispatch:Queue</c> selects.</summary>
internal static class DispatchServices
{
    public static void AddDispatch(this WebApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection(DispatchOptions.Section);
        builder.Services.AddOptions<DispatchOptions>().BindConfiguration(DispatchOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        if (string.Equals(section[nameof(DispatchOptions.Queue)], nameof(QueueKind.Celery), StringComparison.OrdinalIgnoreCase))
        {
            builder.AddCelery();
        }
        else
        {
            builder.Services.AddSingleton<ITurnDispatcher, AttemptDispatcher>();
        }
    }
}
