using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Konstruct.AppHost.Commands;

/// <summary>Sends a message to the stub, from the gateway's row in the dashboard or with <c>aspire resource gateway chat</c>.</summary>
internal static class ChatCommand
{
    /// <summary>Scenarios that demonstrate the pipeline; docs/guide/run.md lists all.</summary>
    private static readonly IReadOnlyList<KeyValuePair<string, string>> Suggestions =
    [
        new("/stream", "/stream: an answer at the pace of reading"),
        new("/burst 100", "/burst 100: 100 tokens at once"),
        new("/unicode", "/unicode: text of every script"),
        new("/fail 5", "/fail 5: the model fails after 5 tokens"),
        new("/silent", "/silent: no answer until the deadline"),
    ];

    /// <summary>Adds the command. Commands exist only in run mode, not in what is published.</summary>
    public static IResourceBuilder<ProjectResource> WithChatCommand(this IResourceBuilder<ProjectResource> gateway) =>
        gateway.WithCommand(
            "chat",
            "Chat",
            async context =>
            {
                var message = new ScriptedMessage(context.Arguments.GetString("text") ?? Suggestions[0].Key);
                var end = await message.SendAsync(new Uri(gateway.GetEndpoint("http").Url), context.CancellationToken);
                return end.IsAccepted
                    ? CommandResults.Success(end.Sentence, end.Answer, CommandResultFormat.Text)
                    : CommandResults.Failure(end.Sentence);
            },
            new CommandOptions
            {
                Description = "Sends a message as the user that Development knows, and shows the answer.",
                IconName = "Chat",
                Arguments =
                [
                    new InteractionInput
                    {
                        Name = "text",
                        Label = "Message",
                        Description = "A scenario of the stub, or any text.",
                        InputType = InputType.Choice,
                        Options = Suggestions,
                        AllowCustomChoice = true,
                        Value = Suggestions[0].Key,
                        Required = true,
                    },
                ],
                UpdateState = context =>
                    context.ResourceSnapshot.HealthStatus is HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            }
        );
}
