using Konstruct.ServiceDefaults.Loops;
using Konstruct.ServiceDefaults.Stores;
using Polly;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Retries a call to Redis until its outcome is known. Every script can be repeated; after a time-out the call may still have run.</summary>
internal sealed class Retry(Persistence persistence)
{
    private readonly ResiliencePipeline _calls = persistence.Of(
        "a turn's call to Redis",
        TimeSpan.FromMilliseconds(50),
        TimeSpan.FromSeconds(1),
        exception => exception.IsOutage()
    );

    /// <exception cref="OperationCanceledException">The caller cancelled first.</exception>
    public async Task<T> UntilKnownAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken) =>
        await _calls.ExecuteAsync(static async (work, _) => await work(), call, cancellationToken);

    /// <inheritdoc cref="UntilKnownAsync{T}"/>
    public async Task UntilKnownAsync(Func<Task> call, CancellationToken cancellationToken) =>
        await _calls.ExecuteAsync(static async (work, _) => await work(), call, cancellationToken);
}
