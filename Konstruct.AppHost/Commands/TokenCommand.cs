using Konstruct.AppHost.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Konstruct.AppHost.Commands;

/// <summary>Creates a token that this run's gateway accepts, with the gateway's command <c>token</c>.</summary>
internal static class TokenCommand
{
    /// <summary>Adds the command <c>token</c>.</summary>
    /// <param name="gateway">The gateway.</param>
    /// <param name="issuer">The <c>iss</c> that the gateway requires.</param>
    /// <param name="audience">The <c>aud</c> that the gateway requires.</param>
    /// <param name="signingKey">The gateway's key.</param>
    public static IResourceBuilder<ProjectResource> WithTokenCommand(
        this IResourceBuilder<ProjectResource> gateway,
        IResourceBuilder<ParameterResource> issuer,
        IResourceBuilder<ParameterResource> audience,
        IResourceBuilder<ParameterResource> signingKey
    ) =>
        gateway.WithProcessCommand(
            "token",
            "Token",
            async context =>
            {
                var stop = context.CancellationToken;
                return new ProcessCommandSpec("dotnet")
                {
                    Arguments =
                    [
                        BuiltProgram.Dll(gateway.ApplicationBuilder, "Konstruct.Gateway"),
                        "token",
                        "--user",
                        context.Arguments.GetString("user")!,
                        "--tenant",
                        context.Arguments.GetString("tenant")!,
                        "--lifetime",
                        context.Arguments.GetString("lifetime")!,
                    ],
                    EnvironmentVariables = new Dictionary<string, string>
                    {
                        ["Auth__Jwt__Issuer"] = (await issuer.Resource.GetValueAsync(stop))!,
                        ["Auth__Jwt__Audience"] = (await audience.Resource.GetValueAsync(stop))!,
                        ["Auth__Jwt__SigningKey"] = (await signingKey.Resource.GetValueAsync(stop))!,
                    },
                };
            },
            new ProcessCommandOptions
            {
                Description =
                    "Makes a token for a user and a tenant. A gateway in Development trusts what clients say and refuses tokens, unless Auth:Mode is Jwt.",
                IconName = "Key",
                Arguments =
                [
                    Input("user", "User", DevelopmentIds.User),
                    Input("tenant", "Tenant", DevelopmentIds.Tenant),
                    Input("lifetime", "Lifetime (hh:mm:ss)", "01:00:00"),
                ],
                GetCommandResult = context =>
                    Task.FromResult(
                        context.ExitCode == 0
                            ? CommandResults.Success("The token.", context.Output[^1], CommandResultFormat.Text, displayImmediately: true)
                            : CommandResults.Failure(context.GetFormattedOutput(10, "output"))
                    ),
                UpdateState = context =>
                    context.ResourceSnapshot.HealthStatus is HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            }
        );

    private static InteractionInput Input(string name, string label, string value) =>
        new()
        {
            Name = name,
            Label = label,
            InputType = InputType.Text,
            Value = value,
            Required = true,
        };
}
