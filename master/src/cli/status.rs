//! `lab-master status`

use lab_proto::v1::op::OpRequest;

use super::{Context, Outcome, output};

pub(super) async fn run(context: &Context) -> Outcome {
    for row in context.client.collect(OpRequest::Status).await? {
        output::value(&row, context.json);
    }
    Ok(0)
}
