using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Konstruct.Gateway.Sockets;

/// <summary><c>GET /chat/ws/{conversation_id}</c>: accepts the upgrade and tracks open sockets.</summary>
internal sealed class ChatEndpoint(SocketServices services, Readiness readiness, AllowedOrigins origins, OpenSockets open, GatewayMetrics metrics)
{
    /// <summary>Runs before all other middleware: anything around a socket's request would hold memory for the life of the socket.</summary>
    public static void Map(WebApplication app)
    {
        app.Use(JoinedWrites.OfferAsync);
        app.UseWebSockets();
        app.UseRouting();
        app.MapGet("/chat/ws/{conversationId}", app.Services.GetRequiredService<ChatEndpoint>().ServeAsync).ShortCircuit().ExcludeFromDescription();
    }

    private async Task ServeAsync(HttpContext context, string conversationId)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Results.Problem("This address speaks WebSocket only.", statusCode: StatusCodes.Status426UpgradeRequired).ExecuteAsync(context);
            return;
        }

        if (!origins.Admit(context.Request))
        {
            metrics.Rejected("forbidden_origin");
            await Results
                .Problem("Pages of this origin may not connect (Edge:AllowedOrigins).", statusCode: StatusCodes.Status403Forbidden)
                .ExecuteAsync(context);
            return;
        }

        if (!readiness.IsReady)
        {
            context.Response.Headers.RetryAfter = "1";
            await Results
                .Problem("This gateway is starting or shutting down. Connect again.", statusCode: StatusCodes.Status503ServiceUnavailable)
                .ExecuteAsync(context);
            return;
        }

        var isV2 = context.WebSockets.WebSocketRequestedProtocols.Contains(ProtocolVersion.V2);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(isV2 ? ProtocolVersion.V2 : null);
        var stream = (context.Features.Get<IHttpUpgradeFeature>() as JoinedWrites)?.Stream;
        await using var chat = new ChatSocket(socket, stream, conversationId, isV2, services);
        var version = isV2 ? 2 : 1;
        var hasRoom = open.TryAdd(chat);
        metrics.SocketOpened(version);
        try
        {
            await (hasRoom ? chat.RunAsync(context.RequestAborted) : chat.TurnAwayAsync());
        }
        finally
        {
            open.Remove(chat);
            metrics.SocketClosed(version, chat.CloseCode);
        }
    }
}
